import { expect, test } from '@jest/globals';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dist, imageStart } from './image.ts';

async function dockerfile(text: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'image-')), 'Dockerfile');
  await writeFile(file, text);
  return file;
}

test('flags and environment are those of the Dockerfile', async () => {
  const file = await dockerfile(`FROM x
ENV A=1 \\
    B=two=2
ENV C=/app/cache
ENTRYPOINT ["node", "--max-old-space-size=48", "/app/main.js"]
`);
  expect(imageStart(file)).toEqual({
    nodeFlags: ['--max-old-space-size=48'],
    env: { A: '1', B: 'two=2', C: join(dist, 'cache') },
  });
});

test('the real one can be read', () => {
  expect(imageStart().nodeFlags.join(' ')).toContain('--max-old-space-size=');
});

test('another kind of start is refused, not guessed', async () => {
  const file = await dockerfile('FROM x\nENTRYPOINT ["/bin/sh", "-c", "node /app/main.js"]\n');
  expect(() => imageStart(file)).toThrow(/ENTRYPOINT is not/);
});
