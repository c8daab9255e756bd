import { expect, test } from '@jest/globals';
import { javaVersion } from './requirements.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_392"', 8],
  ['openjdk version "11.0.22" 2024-01-16', 11],
  ['something else', undefined],
  [undefined, undefined],
])('the version in %j', (said, version) => {
  expect(javaVersion(said)).toBe(version);
});
