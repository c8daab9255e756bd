import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { identify, isAlive, parseStat, processesWithEnvironment, signal } from './identity.ts';

const tailOfStat = '1 4242 4242 0 -1 4194304 100 0 0 0 5 3 0 0 20 0 7 0 123456 1000 50 18446744073709551615';

test('reads state, threads and start time past any command name', () => {
  for (const name of ['(node)', '(a b)', '(evil) S 1 (x)', '()']) {
    expect(parseStat(`4242 ${name} S ${tailOfStat}`)).toEqual({ state: 'S', threads: 7, startTicks: '123456' });
  }
});

test('makes nothing of an empty stat', () => {
  expect(parseStat('')).toBeUndefined();
});

test('a living process is itself, and not another with its number', () => {
  const self = identify(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(self && isAlive(self)).toBe(true);
  expect(isAlive({ pid: process.pid, started: 'earlier' })).toBe(false);
});

test('never signals a later process with the same number', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0);
  expect(signal({ pid: child.pid ?? 0, started: 'earlier' }, 'SIGKILL')).toBe(false);
  expect(identity && isAlive(identity)).toBe(true);

  const ended = once(child, 'exit');
  expect(identity && signal(identity, 'SIGKILL')).toBe(true);
  await ended;
  expect(identity && isAlive(identity)).toBe(false);
  expect(identity && signal(identity, 'SIGKILL')).toBe(false);
});

test('finds processes by what they inherited', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & wait'], { env: { ...process.env, KCP_MCP_TEST: 'this one' } });
  await once(child, 'spawn');
  const find = () => processesWithEnvironment('KCP_MCP_TEST', (value) => value === 'this one');
  try {
    let found = find();
    for (let i = 0; i < 1000 && found.length < 2; i++) found = find();
    expect(found.map((each) => each.pid)).toContain(child.pid);
    expect(found).toHaveLength(2);
    expect(processesWithEnvironment('KCP_MCP_TEST', (value) => value === 'this')).toEqual([]);
  } finally {
    for (const identity of find()) signal(identity, 'SIGKILL');
  }
});
