import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { KubeconfigError, readKubeconfig } from '../../kcp/kubeconfig.ts';
import type { JsonObject } from '../../kcp/json.ts';
import { capitalize, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { ToolError, defineTool } from '../tool.ts';
import { showKubeconfig } from './show-kubeconfig.ts';

export const configurationView = defineTool({
  name: 'configuration_view',
  toolset: 'config',
  title: 'Configuration: View',
  description: 'Get the kubeconfig of this server as YAML: which API server it talks to. Credentials are not shown.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    minified: z
      .boolean()
      .optional()
      .describe('Only what belongs to the current context (default true); false: all contexts, clusters and users'),
  }),
  async handle({ minified = true }, call) {
    const text = await readFile(call.config.kubeconfig, 'utf8').catch(() => undefined);
    if (text === undefined) throw new ToolError('The kubeconfig of this server cannot be read.', 'error');
    return toolResult(toYaml(showKubeconfig(parse(text), minified)));
  },
});

function parse(text: string): JsonObject {
  try {
    return readKubeconfig(text);
  } catch (error) {
    if (error instanceof KubeconfigError) throw new ToolError(`${capitalize(error.message)}.`, 'error');
    throw error;
  }
}
