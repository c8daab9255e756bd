import * as z from 'zod';
import { atomicList, stringMap } from './fields.ts';

/** metav1.LabelSelector. */
export const labelSelector = (description: string) =>
  z
    .object({
      matchLabels: stringMap(32).describe('Labels that must all be there, with these values.').optional(),
      matchExpressions: atomicList(
        z.object({
          key: z.string().min(1).max(316).describe('Label key that the expression is about.'),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the label relates to values.'),
          values: atomicList(z.string().max(63), 32)
            .describe('Values for In and NotIn; none for the others.')
            .optional(),
        }),
        32,
      )
        .describe('Expressions that must all match.')
        .optional(),
    })
    .describe(description);
