import { expect, test } from 'vitest';
import { renderServerConfig } from './server-config.js';

const plain = { jetstream: true, jetstreamOptions: {}, cluster: undefined, include: undefined };

test('JetStream is enabled with what was asked for, and nothing else', () => {
    expect(renderServerConfig(plain)).toBe('jetstream: {\n}\n');
    const jetstreamOptions = { maxFileStoreBytes: 1024, maxMemoryStoreBytes: 2048, syncInterval: 'always' } as const;
    expect(renderServerConfig({ ...plain, jetstreamOptions })).toBe(
        'jetstream: {\n    max_file_store: 1024\n    max_memory_store: 2048\n    sync_interval: always\n}\n'
    );
    expect(renderServerConfig({ ...plain, jetstreamOptions: { syncInterval: 250 } })).toContain(
        'sync_interval: "250ms"'
    );
});

test('without JetStream there is no such block', () => {
    expect(renderServerConfig({ ...plain, jetstream: false })).not.toContain('jetstream');
});

test('the caller’s text comes after jetstream, which it may replace, and before cluster, which it may not', () => {
    const cluster = { name: 'a "b"', port: 7001, routePorts: [7001, 7002] };
    const text = renderServerConfig({ ...plain, cluster, include: 'options.conf' });
    const order = ['jetstream: {', 'include "options.conf"', 'cluster: {'].map(part => text.indexOf(part));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(text).toContain('name: "a \\"b\\""');
    expect(text).toContain('listen: "127.0.0.1:7001"');
    expect(text).toContain('pool_size: 3');
    expect(text).toContain('routes: ["nats://127.0.0.1:7001", "nats://127.0.0.1:7002"]');
});

test.each([
    ['maxFileStoreBytes', { maxFileStoreBytes: 0 }],
    ['maxMemoryStoreBytes', { maxMemoryStoreBytes: 1.5 }],
    ['syncInterval', { syncInterval: Number.NaN }]
])('%s must be a whole number above 0', (option, jetstreamOptions) => {
    expect(() => renderServerConfig({ ...plain, jetstreamOptions })).toThrow(
        `jetstreamOptions.${option} must be a whole number above 0`
    );
});
