import { expect, test } from 'vitest';

import { parseArguments, UsageError } from './arguments.js';

test('without arguments: one node, and the nats-server of the set-up', () => {
    expect(parseArguments([])).toEqual({ cluster: false, natsServer: undefined });
});

test('takes its options', () => {
    expect(parseArguments(['--cluster', '--nats-server', '/opt/nats'])).toEqual({
        cluster: true,
        natsServer: '/opt/nats'
    });
    expect(parseArguments(['--help'])).toBe('help');
});

test.each([['--clutser'], ['extra'], ['--nats-server'], ['--cluster=yes']])('refuses %s and says so', argument => {
    expect(() => parseArguments([argument])).toThrow(UsageError);
    expect(() => parseArguments([argument])).toThrow(argument.split('=')[0]);
});
