import type { RequestInfo } from './request-info.ts';

/** Objects that the stand-in needs in its planes and a kcp workspace doesn't have carry this label. */
export const hiddenLabel = 'stand-in.kcp.io/hidden';

interface Selectors {
  fieldSelector?: string;
  labelSelector?: string;
}

/** What of a generic control plane is not to be seen in a workspace, by `RESOURCE.GROUP`. */
const hidden: Record<string, Selectors> = {
  'namespaces.': { fieldSelector: 'metadata.name!=kube-public' },
  'configmaps.': {
    fieldSelector:
      'metadata.name!=extension-apiserver-authentication,metadata.name!=kube-apiserver-legacy-service-account-token-tracking',
  },
  'customresourcedefinitions.apiextensions.k8s.io': { labelSelector: `!${hiddenLabel}` },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { labelSelector: `!${hiddenLabel}` },
  // kcp keeps these where all workspaces inherit them.
  'clusterroles.rbac.authorization.k8s.io': { labelSelector: `!kubernetes.io/bootstrapping,!${hiddenLabel}` },
  'clusterrolebindings.rbac.authorization.k8s.io': { labelSelector: `!kubernetes.io/bootstrapping,!${hiddenLabel}` },
  'roles.rbac.authorization.k8s.io': { labelSelector: '!kubernetes.io/bootstrapping' },
  'rolebindings.rbac.authorization.k8s.io': { labelSelector: '!kubernetes.io/bootstrapping' },
};

/** Narrows a list or watch to what a kcp workspace would have: the plane does the work, in every format. */
export function hideForeignObjects(info: RequestInfo, query: URLSearchParams): void {
  if (!info.isResource || info.name !== '' || !['list', 'watch'].includes(info.verb)) return;
  const selectors = hidden[`${info.resource}.${info.group}`] ?? {};
  for (const [name, value] of Object.entries(selectors)) {
    const wanted = query.get(name);
    query.set(name, wanted ? `${wanted},${value as string}` : (value as string));
  }
}
