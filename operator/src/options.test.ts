import { describe, expect, test } from '@jest/globals';
import { OptionsError, parseOptions, type Options } from './options.ts';

const options = (argv: string[], env: NodeJS.ProcessEnv = {}): Options => {
  const command = parseOptions(argv, env, '1.2.3');
  if (!('run' in command)) throw new Error(`printed: ${command.print}`);
  return command.run;
};

describe('parseOptions', () => {
  test('has defaults for everything', () => {
    expect(options([])).toEqual({
      kubeconfig: undefined,
      context: undefined,
      namespaces: [],
      runtimeImage: 'kcp-mcp-runtime:1.2.3',
      leaderElect: true,
      leaseNamespace: 'kcp-mcp-operator-system',
      metricsBindAddress: { host: '', port: 8080 },
      concurrency: 16,
      allowLocalAddresses: false,
      logLevel: 'info',
    });
  });

  test('a flag wins over its environment variable, which wins over the default', () => {
    const env = { RUNTIME_IMAGE: 'from-env:1', LOG_LEVEL: 'debug', CONCURRENCY: '' };
    expect(options(['--runtime-image=from-flag:1'], env)).toMatchObject({
      runtimeImage: 'from-flag:1',
      logLevel: 'debug',
      concurrency: 16,
    });
  });

  test('--namespace may be repeated or hold a list', () => {
    expect(options(['--namespace', 'a,b', '--namespace=c', '--namespace=a']).namespaces).toEqual(['a', 'b', 'c']);
  });

  test('of a flag given twice the last one counts; KUBECONFIG is left to those who read it', () => {
    expect(options(['--concurrency=2', '--concurrency=3'])).toMatchObject({ concurrency: 3 });
    expect(options(['--kubeconfig=a', '--kubeconfig=b'], { KUBECONFIG: 'c:d' }).kubeconfig).toBe('b');
    expect(options([], { KUBECONFIG: 'c:d' }).kubeconfig).toBeUndefined();
  });

  test('--leader-elect needs no value, and false turns it off', () => {
    expect(options(['--leader-elect']).leaderElect).toBe(true);
    expect(options(['--leader-elect=false']).leaderElect).toBe(false);
    expect(options(['--leader-elect', '--concurrency=2'])).toMatchObject({ leaderElect: true, concurrency: 2 });
  });

  test('--allow-local-addresses is off unless asked for', () => {
    expect(options(['--allow-local-addresses']).allowLocalAddresses).toBe(true);
    expect(options([], { ALLOW_LOCAL_ADDRESSES: 'true' }).allowLocalAddresses).toBe(true);
  });

  test.each([
    [':9090', { host: '', port: 9090 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
  ])('--metrics-bind-address %s', (text, expected) => {
    expect(options([`--metrics-bind-address=${text}`]).metricsBindAddress).toEqual(expected);
  });

  test.each([
    [['--concurrency=0'], {}, '--concurrency: "0" is not a whole number from 1 to 256 (see --help)'],
    [['--concurrency=1e2'], {}, '--concurrency: "1e2" is not a whole number'],
    [[], { LOG_LEVEL: 'loud' }, 'LOG_LEVEL: "loud" is not one of error, warn, info, debug'],
    [['--leader-elect=yes'], {}, '--leader-elect: "yes" is not one of true, false'],
    [['--namespace=a,B'], {}, '--namespace: "B" is not the name of a namespace'],
    [['--metrics-bind-address=8080'], {}, 'is not an address such as :8080'],
    [['--metrics-bind-address=:70000'], {}, 'is not an address such as :8080'],
    [['--runtime-image=a b'], {}, '--runtime-image: "a b" is not an image reference'],
    [['--frobnicate'], {}, "Unknown option '--frobnicate'"],
    [['extra'], {}, "Unexpected argument 'extra'"],
  ])('%j %j is refused with a message that helps', (argv, env, message) => {
    expect(() => parseOptions(argv, env, '1.2.3')).toThrow(OptionsError);
    expect(() => parseOptions(argv, env, '1.2.3')).toThrow(message);
  });

  test('--help lists every flag with its variable, --version prints the version', () => {
    const help = parseOptions(['--help'], {}, '1.2.3');
    const text = 'print' in help ? help.print : '';
    for (const word of ['--kubeconfig', 'KUBECONFIG', '--runtime-image', 'RUNTIME_IMAGE', '--lease-namespace']) {
      expect(text).toContain(word);
    }
    expect(parseOptions(['--version'], {}, '1.2.3')).toEqual({ print: 'kcp-mcp-operator 1.2.3' });
  });
});
