// The Helm chart, made from config/: the same objects, with values where people differ. Pure but for reading config/;
// operator/generate.ts writes it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { argument, valueFlags, valueName } from './flags.ts';
import { manifestFiles, type ManifestFile } from './manifests.ts';
import { literal, optionalField, Template } from './template.ts';
import { values, valuesSchema, valuesYAML } from './values.ts';

const NAMESPACE = 'kcp-mcp-operator-system';
const NAME = 'kcp-mcp-operator';

/** Components of config/ and the value that turns each on. */
const COMPONENTS = {
  'cluster-wide-secrets': '.Values.clusterWideSecrets',
  'network-policy': '.Values.networkPolicy.enabled',
  'service-monitor': '.Values.serviceMonitor.enabled',
} as const;

/** Every file of the chart, by its path below the chart's folder. */
export function chart(root: string): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, 'operator/package.json'), 'utf8')) as { version: string };
  const files = manifestFiles(join(root, 'config/default'));
  const templates: Record<string, string> = {};
  let defaults: Parameters<typeof values>[0] | undefined;
  for (const { name, documents } of files) {
    // The namespace is the release's; the CRD has a template of its own.
    if (documents.some((each) => ['Namespace', 'CustomResourceDefinition'].includes(String(each.get('kind')))))
      continue;
    templates[name] = documents
      .map((document) => {
        const template = common(new Template(document));
        if (document.get('kind') === 'Deployment') defaults = deployment(template, document.toJS() as Deployment);
        return template.toString();
      })
      .join('');
  }
  if (!defaults) throw new Error('config/default holds no Deployment');
  for (const [component, condition] of Object.entries(COMPONENTS)) {
    for (const file of manifestFiles(join(root, 'config/components', component))) {
      templates[component] = when(condition, (templates[component] ?? '') + componentTemplate(file));
    }
  }
  templates['crd'] = crd(files);

  const tree = values(defaults);
  return {
    'Chart.yaml': `# Generated from config/ by \`npm run generate\`.\n${stringify({
      apiVersion: 'v2',
      name: NAME,
      description:
        'Gives a kcp installation an MCP endpoint: one KcpMcpServer becomes a signed-in server for its users',
      type: 'application',
      version,
      appVersion: version,
      kubeVersion: '>=1.30.0-0',
      keywords: ['kcp', 'mcp', 'operator'],
    })}`,
    'values.yaml': valuesYAML(tree),
    'values.schema.json': `${JSON.stringify(valuesSchema(tree), null, 2)}\n`,
    'templates/_helpers.tpl': HELPERS,
    'templates/NOTES.txt': NOTES,
    ...Object.fromEntries(
      Object.entries(templates).map(([name, text]) => [`templates/${name}.yaml`, GENERATED + text]),
    ),
  };
}

const when = (condition: string, text: string): string => `{{- if ${condition} }}\n${text}{{- end }}\n`;

/** What holds for all objects: the release's namespace, and the chart's labels. */
function common(template: Template): Template {
  template.replaceAll(NAMESPACE, '{{ .Release.Namespace | quote }}');
  template.append(['metadata', 'labels'], (indent) => [
    `{{- include "kcp-mcp-operator.labels" . | nindent ${indent} }}`,
  ]);
  return template;
}

interface Deployment {
  spec: {
    replicas: number;
    template: { spec: { containers: [{ args: string[]; env: { name: string }[]; resources: object }] } };
  };
}

/** @returns the defaults of the values, as the Deployment has them */
function deployment(template: Template, { spec }: Deployment): Parameters<typeof values>[0] {
  const [container] = spec.template.spec.containers;
  const pod = ['spec', 'template', 'spec'];
  const manager = [...pod, 'containers', 0];

  template.replace(['spec', 'replicas'], '{{ .Values.replicas }}');
  template.append(['spec', 'template', 'metadata', 'labels'], (indent) => [
    '{{- with .Values.commonLabels }}',
    `{{- toYaml . | nindent ${indent} }}`,
    '{{- end }}',
  ]);
  const reference = (name: string) => `{{ include "kcp-mcp-operator.image" (list . .Values.image.${name}) }}`;
  template.replace([...manager, 'image'], reference('operator'));
  const runtime = container.env.findIndex(({ name }) => name === 'RUNTIME_IMAGE');
  template.replace([...manager, 'env', runtime, 'value'], reference('runtime'));

  const flags: Record<string, unknown> = {};
  for (const flag of valueFlags) {
    const index = container.args.findIndex((arg) => arg.startsWith(`--${flag.name}=`));
    if (index < 0) {
      template.append([...manager, 'args'], argument(flag));
    } else {
      flags[flag.name] = JSON.parse(container.args[index]?.split('=')[1] ?? '') as unknown;
      template.replace([...manager, 'args', index], `--${flag.name}={{ .Values.flags.${valueName(flag)} }}`);
    }
  }

  const scalar = (field: string, value: string) => () => [
    `{{- with ${value} }}`,
    `${field}: {{ . | quote }}`,
    '{{- end }}',
  ];
  template.append(manager, scalar('imagePullPolicy', '.Values.image.operator.pullPolicy'));
  template.take([...manager, 'resources']);
  template.append(manager, optionalField('resources', '.Values.resources'));
  template.append(pod, scalar('priorityClassName', '.Values.priorityClassName'));
  for (const field of ['imagePullSecrets', 'nodeSelector', 'tolerations', 'affinity', 'topologySpreadConstraints']) {
    template.append(pod, optionalField(field, `.Values.${field}`));
  }
  return { replicas: spec.replicas, resources: container.resources, flags };
}

function componentTemplate({ documents }: ManifestFile): string {
  return documents
    .map((document) => {
      const template = common(new Template(document));
      if (document.get('kind') === 'NetworkPolicy') {
        template.append(['spec', 'ingress', 0], optionalField('from', '.Values.networkPolicy.ingressFrom'));
        template.append(['spec', 'egress'], (indent) => [
          '{{- with .Values.networkPolicy.extraEgress }}',
          `{{- toYaml . | nindent ${indent} }}`,
          '{{- end }}',
        ]);
      }
      if (document.get('kind') === 'ServiceMonitor') {
        template.append(['metadata', 'labels'], (indent) => [
          '{{- with .Values.serviceMonitor.labels }}',
          `{{- toYaml . | nindent ${indent} }}`,
          '{{- end }}',
        ]);
        template.append(['spec', 'endpoints', 0], () => [
          '{{- with .Values.serviceMonitor.interval }}',
          'interval: {{ . }}',
          '{{- end }}',
        ]);
      }
      return template.toString();
    })
    .join('');
}

/** The CRD as a template: `helm upgrade` upgrades it, and `helm uninstall` leaves it, with every KcpMcpServer. */
function crd(files: ManifestFile[]): string {
  const [document] = files.flatMap((file) => file.documents).filter((each) => each.get('kind') === 'CustomResourceDefinition'); // prettier-ignore
  if (!document) throw new Error('config/default holds no CustomResourceDefinition');
  document.commentBefore = null;
  document.setIn(['metadata', 'annotations', 'helm.sh/resource-policy'], 'keep');
  // Before its labels come in, which are templates.
  const escaped = literal(document.toString({ lineWidth: 120 }));
  const labelled = escaped.replace(
    /^( {4})app\.kubernetes\.io\/part-of: .*\n/m,
    (line, indent: string) => `${line}${indent}{{- include "kcp-mcp-operator.labels" . | nindent 4 }}\n`,
  );
  return when('.Values.crds.enabled', labelled);
}

const GENERATED = '{{- /* Generated from config/ by `npm run generate`; change it there. */}}\n';

const HELPERS = `{{- define "kcp-mcp-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Reference of an image; takes the root and the image's values. */}}
{{- define "kcp-mcp-operator.image" -}}
{{- $image := index . 1 }}
{{- $image.repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}
`;

const NOTES = `kcp-mcp-operator {{ .Chart.AppVersion }} is in namespace {{ .Release.Namespace }}.
{{ if .Values.clusterWideSecrets }}
It may use every Secret of the cluster.
{{- else }}
It may read no Secret yet: every KcpMcpServer comes with the Roles for those that it names (config/samples). What is
missing is a condition, and its message holds the command that grants it.
{{- end }}

  kubectl explain kcpmcpserver.spec
  kubectl get kcpmcpservers -A -o wide
`;
