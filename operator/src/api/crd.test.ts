import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { customResourceDefinition, openAPISchema, type StructuralSchema } from './crd.ts';

/** Every property below `schema`, with its path. */
function propertiesOf(schema: StructuralSchema, path = ''): [string, StructuralSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const at = `${path}.${name}`;
    return [[at, child] as [string, StructuralSchema], ...propertiesOf(child.items ?? child, at)];
  });
}

const properties = propertiesOf(openAPISchema());
const withoutMetadata = properties.filter(([path]) => path !== '.metadata');
const paths = (found: [string, StructuralSchema][]) => found.map(([path]) => path);

describe('the schema of a KcpMcpServer', () => {
  test('has the fields of the design at their places', () => {
    expect(paths(properties)).toEqual(
      expect.arrayContaining([
        '.spec.hostname',
        '.spec.kcp.frontProxyRef.namespace',
        '.spec.auth.oidc.caRef.key',
        '.spec.auth.upstream.clientSecretRef.name',
        '.spec.tools.deniedResources.kind',
        '.spec.exposure.gateway.parentRefs.name',
        '.spec.deployment.topologySpreadConstraints.labelSelector.matchLabels',
        '.status.conditions.lastTransitionTime',
      ]),
    );
  });

  test('describes every property', () => {
    expect(paths(withoutMetadata.filter(([, schema]) => !schema.description?.trim()))).toEqual([]);
  });

  test('says how every list is merged, and map lists have keys that are always there', () => {
    const lists = withoutMetadata.filter(([, schema]) => schema.type === 'array');
    expect(lists.length).toBeGreaterThan(10);
    const bad = lists.filter(([, schema]) => {
      const type = schema['x-kubernetes-list-type'];
      const keys = (schema['x-kubernetes-list-map-keys'] ?? []) as string[];
      const present = (key: string) =>
        schema.items?.required?.includes(key) === true || schema.items?.properties?.[key]?.default !== undefined;
      if (type === 'map') return !(keys.length > 0 && keys.every(present));
      return type !== 'set' && type !== 'atomic';
    });
    expect(paths(bad)).toEqual([]);
  });

  test('bounds every string and list, which CEL cost estimates need', () => {
    const unbounded = properties.filter(([path, schema]) => {
      if (['.apiVersion', '.kind', '.metadata'].includes(path)) return false;
      const items = schema.items;
      return (
        (schema.type === 'string' && !schema.enum && schema.maxLength === undefined) ||
        (schema.type === 'array' && schema.maxItems === undefined) ||
        (items?.type === 'string' && !items.enum && items.maxLength === undefined)
      );
    });
    expect(paths(unbounded)).toEqual([]);
  });

  test('holds nothing that a structural schema may not', () => {
    expect(JSON.stringify(openAPISchema())).not.toMatch(/"(anyOf|oneOf|allOf|not|\$ref|propertyNames|const)":/);
  });
});

test('kubectl get shows READY, URL, REPLICAS and AGE, and more with -o wide', () => {
  const columns = customResourceDefinition().spec.versions[0]?.additionalPrinterColumns ?? [];
  const names = (wide: boolean) => columns.filter(({ priority = 0 }) => priority > 0 === wide).map(({ name }) => name);
  expect(names(false)).toEqual(['READY', 'URL', 'REPLICAS', 'AGE']);
  expect(names(true)).toEqual(['ISSUER', 'KCP', 'CERT-EXPIRY', 'REASON']);
});

test('what is checked in is what the schema generates', () => {
  const check = () =>
    execFileSync(process.execPath, [join(import.meta.dirname, '../../generate.ts'), '--check'], { encoding: 'utf8' });
  expect(check).not.toThrow();
});
