// The load generator's process: gets plans from its parent and sends back what came of them.
import { generate } from './generate.ts';
import type { LoadPlan } from './plan.ts';

process.on('message', (plan: LoadPlan) => {
  generate(plan).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
