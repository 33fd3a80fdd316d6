import { expect, test } from 'vitest';
import { isSupported, parseVersion } from './server-version.js';

test.each([
    ['nats-server: v2.15.1\n', '2.15.1'],
    ['nats-server: v2.10.0', '2.10.0'],
    ['nats-server: v2.12.0-RC.3\n', '2.12.0-RC.3'],
    ['natscli v0.1.5', undefined],
    ['', undefined]
])('%j says version %s', (output, version) => {
    expect(parseVersion(output)).toBe(version);
});

test.each([
    ['2.10.0', true],
    ['2.10.27', true],
    ['2.9.25', false],
    ['2.12.0-RC.3', true],
    ['1.4.1', false],
    ['3.0.0', true]
])('%s is supported: %s', (version, supported) => {
    expect(isSupported(version)).toBe(supported);
});
