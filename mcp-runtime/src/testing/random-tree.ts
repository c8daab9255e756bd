import fc from 'fast-check';
import type { ModelWorkspace } from './model-kcp.ts';

/**
 * Random trees of workspaces with random rights of one caller. Every name is unlike every other, so that a text that holds
 * it tells of that workspace.
 *
 * @param home id of the caller's home workspace, which may be there, open or not, with workspaces below.
 */
export function randomTree({ home }: { home: string }): fc.Arbitrary<ModelWorkspace[]> {
  const node = fc.record({
    /** Which of those before it is its parent; 0 is root. */
    parent: fc.nat(),
    open: fc.boolean(),
    lists: fc.boolean(),
    kind: fc.constantFrom('plain', 'plain', 'plain', 'mounted', 'unscheduled', 'bare'),
    /** Which of those before it defines its type. */
    typeFrom: fc.nat(),
    prefix: fc.constantFrom('a', 'a-', 'a0', 'z', '0'),
  });
  const top = fc.record({ open: fc.boolean(), lists: fc.boolean() });
  return fc.record({ root: top, home: fc.option(top), nodes: fc.array(node, { maxLength: 25 }) }).map((drawn) => {
    const workspaces: ModelWorkspace[] = [{ path: 'root', ...drawn.root }];
    if (drawn.home !== null) workspaces.push({ path: home, ...drawn.home });
    for (const [index, { parent, open, lists, kind, prefix, typeFrom }] of drawn.nodes.entries()) {
      const above = workspaces[parent % workspaces.length];
      // Nothing lies below what has no logical cluster.
      if (above === undefined || above.mounted === true || above.scheduled === false) continue;
      workspaces.push({
        path: `${above.path}:${prefix}n${index}x`,
        open: open && kind !== 'unscheduled',
        lists,
        typeFrom: workspaces[typeFrom % workspaces.length]?.path ?? 'root',
        ...(kind === 'mounted' && { mounted: true }),
        ...(kind === 'unscheduled' && { scheduled: false }),
        ...(kind === 'bare' && { bare: true }),
      });
    }
    return workspaces;
  });
}
