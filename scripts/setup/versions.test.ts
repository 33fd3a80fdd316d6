import { describe, expect, test } from 'vitest';
import { compareVersions, parseVersion, REQUIREMENTS } from './versions.mjs';

describe('versions', () => {
    test('are read from what the server prints', () => {
        expect(parseVersion('nats-server: v2.15.1\n')).toBe('2.15.1');
        expect(parseVersion('nats-server v2.10.0-beta.1')).toBe('2.10.0');
        expect(parseVersion('ls (GNU coreutils) 9.1')).toBeUndefined();
    });

    test('are compared by number', () => {
        expect(['2.9.10', '2.15.1', '2.10.27', '2.10.3'].sort(compareVersions)).toEqual([
            '2.9.10',
            '2.10.3',
            '2.10.27',
            '2.15.1'
        ]);
    });

    test('of an existing server may be older than of a fetched one', () => {
        const { newest, oldest } = REQUIREMENTS;
        expect(['2.9.10', '2.10.0', '2.15.1'].map(newest.existing)).toEqual([false, true, true]);
        expect(['2.10.27', '2.12.0'].map(newest.fetched)).toEqual([false, true]);
        expect(['2.1.0', '2.10.27', '2.100.0'].map(oldest.existing)).toEqual([false, true, false]);
    });
});
