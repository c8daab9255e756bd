import { describe, expect, test } from '@jest/globals';
import { confirmationRules } from './config/confirmation.ts';
import { matchConfirmations, type KubeSubject } from './confirmation-rules.ts';

/** Rules as the configuration gives them; each is known by its message. */
const rules = (...written: object[]) => confirmationRules.parse(written);

const call = (name: string, annotations = {}) => ({ tool: { name, annotations } });

const request = (change: Partial<KubeSubject> = {}) => ({
  kube: { verb: 'delete', kind: 'Deployment', group: 'apps', version: 'v1', name: 'web', namespace: 'prod', ...change },
});

describe('a call of a tool', () => {
  const byName = rules({ tool: 'resources_delete', message: 'sure?' });
  const byHarm = rules({ destructive: true, message: 'harm' });
  const byInnocence = rules({ destructive: false, message: 'no harm' });

  test('matches by its whole name', () => {
    expect(matchConfirmations(byName, call('resources_delete'))).toBe('sure?');
    expect(matchConfirmations(byName, call('resources_delete_all'))).toBeUndefined();
    expect(matchConfirmations(byName, call('Resources_Delete'))).toBeUndefined();
  });

  test.each([
    ['one that says that it does harm', { destructiveHint: true }, 'harm'],
    ['one that says that it does none', { destructiveHint: false }, 'no harm'],
    ['one that only reads', { readOnlyHint: true }, 'no harm'],
    ['one that says nothing', {}, 'harm'],
  ])('%s', (_, annotations, expected) => {
    expect(matchConfirmations([...byHarm, ...byInnocence], call('any', annotations))).toBe(expected);
  });

  test('must match all that a rule names', () => {
    const both = rules({ tool: 'resources_scale', destructive: true, message: 'both' });
    expect(matchConfirmations(both, call('resources_scale', { destructiveHint: true }))).toBe('both');
    expect(matchConfirmations(both, call('resources_scale', { destructiveHint: false }))).toBeUndefined();
    expect(matchConfirmations(both, call('other', { destructiveHint: true }))).toBeUndefined();
  });

  test('is of no account for rules about requests', () => {
    expect(matchConfirmations(rules({ verb: 'delete', message: 'kube' }), call('resources_delete'))).toBeUndefined();
  });
});

describe('a request', () => {
  test.each([
    ['verb', 'get'],
    ['kind', 'Secret'],
    ['group', 'batch'],
    ['version', 'v1beta1'],
    ['name', 'other'],
    ['namespace', 'test'],
  ] as const)('matches by its %s', (field, other) => {
    const rule = rules({ [field]: request().kube[field], message: 'sure?' });
    expect(matchConfirmations(rule, request())).toBe('sure?');
    expect(matchConfirmations(rule, request({ [field]: other }))).toBeUndefined();
  });

  test('must match all that a rule names; what it leaves empty may be anything', () => {
    const rule = rules({ verb: 'delete', namespace: 'prod', group: '', message: 'sure?' });
    expect(matchConfirmations(rule, request({ group: '', kind: 'Pod', name: '' }))).toBe('sure?');
    expect(matchConfirmations(rule, request({ namespace: 'test' }))).toBeUndefined();
  });

  test('a kind matches however it is written', () => {
    expect(matchConfirmations(rules({ kind: 'deployment', message: 'sure?' }), request())).toBe('sure?');
  });

  test('is of no account for rules about tools', () => {
    expect(matchConfirmations(rules({ destructive: true }, { tool: 'web' }), request())).toBeUndefined();
  });
});

describe('the message', () => {
  test('of several rules is a list in the order of the configuration', () => {
    const both = rules(
      { verb: 'delete', message: 'Deleting.' },
      { verb: 'get' },
      { name: 'web', message: 'It is web.' },
    );
    expect(matchConfirmations(both, request())).toBe('Confirmation required:\n- Deleting.\n- It is web.');
  });

  test('is never empty', () => {
    expect(matchConfirmations(rules({ verb: 'delete' }), request())).toBe('This action requires confirmation.');
  });

  test('there is none without rules', () => {
    expect(matchConfirmations([], request())).toBeUndefined();
  });
});
