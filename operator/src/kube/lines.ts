import { StringDecoder } from 'node:string_decoder';

/** The lines of a stream, which may cut them, and characters, anywhere. What follows the last line end is no line. */
export async function* lines(body: AsyncIterable<Buffer>, onActivity?: () => void): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    onActivity?.();
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
  }
}
