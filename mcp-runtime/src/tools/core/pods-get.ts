import * as z from 'zod';
import { presentable } from '../../output/redact.ts';
import { toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { defineTool } from '../tool.ts';
import { POD, getPod, podArguments, podOf } from './pods.ts';

export const podsGet = defineTool({
  name: 'pods_get',
  toolset: 'core',
  title: 'Pods: Get',
  description: 'Get one Pod as YAML, by name and namespace: what it is to run, and how its containers are doing.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject(podArguments),
  touches: [POD],
  async handle(args, call) {
    const pod = await getPod(podOf(args, call), call);
    return toolResult(toYaml(presentable(pod, POD.kind)));
  },
});
