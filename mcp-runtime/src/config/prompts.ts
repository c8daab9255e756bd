import * as z from 'zod';

/** The schema of `[[prompts]]`: templates of messages that clients offer to people (MCP: prompts). */

const NAME = 'must be a name such as "check-pod-logs"';
const TEXT = 'must be text';
const ARGUMENT = 'must be a name such as "pod_name", without { and }: messages have it as {{pod_name}}';
const ROLE = 'must be "user" or "assistant"';
const PROMPTS = 'must be tables: [[prompts]] with name and [[prompts.messages]]';
const ARGUMENTS = 'must be tables: [[prompts.arguments]] with name';
const MESSAGES = 'must be tables: [[prompts.messages]] with role and content';

const ifNotTable = (error: string) => ({
  error: (issue: { readonly code: string }) => (issue.code === 'invalid_type' ? error : undefined),
});

const argument = z.strictObject(
  {
    name: z.string({ error: ARGUMENT }).regex(/^[^{}]+$/, { error: ARGUMENT }),
    description: z.string({ error: TEXT }).optional(),
    required: z.boolean({ error: 'must be true or false, without quotes' }).default(false),
  },
  ifNotTable(ARGUMENTS),
);

const message = z.strictObject(
  {
    role: z.enum(['user', 'assistant'], { error: ROLE }),
    /** `{{NAME}}` stands for the argument NAME. */
    content: z.string({ error: TEXT }),
  },
  ifNotTable(MESSAGES),
);

/** Upstream lets the last of two win, or substitutes the first: one of them was a mistake. */
function refuseTwins(items: readonly { readonly name: string }[], context: z.RefinementCtx, what: string): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of items.entries()) {
    const twin = first.get(name);
    if (twin === undefined) first.set(name, index);
    else
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `is the name of ${what} ${twin + 1} too; rename one`,
      });
  }
}

const prompt = z.strictObject(
  {
    name: z.string({ error: NAME }).min(1, { error: NAME }),
    title: z.string({ error: TEXT }).optional(),
    description: z.string({ error: TEXT }).optional(),
    arguments: z
      .array(argument, { error: ARGUMENTS })
      .superRefine((items, context) => {
        refuseTwins(items, context, 'argument');
      })
      .default([]),
    messages: z.array(message, { error: MESSAGES }).min(1, { error: MESSAGES }),
  },
  ifNotTable(PROMPTS),
);

export const prompts = z
  .array(prompt, { error: PROMPTS })
  .superRefine((items, context) => {
    refuseTwins(items, context, 'prompt');
  })
  .default([]);

/** A prompt as `RuntimeConfig` has it. */
export type Prompt = z.output<typeof prompt>;
