import { connect, headers as newHeaders, type PublishOptions } from '@nats-io/transport-node';
import { expect, test } from 'vitest';

import { natsServers } from '../test/nats-binaries.js';
import { startNatsServer } from './testing.js';
import { isWatermarkError, openWatermarkStore, WatermarkErrorCode } from './store.js';

/** As a client would that does not ask headers for their encoded form. */
function reencoded({ headers, ...options }: PublishOptions = {}): PublishOptions {
    if (headers === undefined) {
        return options;
    }
    const copy = newHeaders();
    headers.keys().forEach(name => copy.set(name, headers.get(name)));
    return { ...options, headers: copy };
}

test('a client that encodes headers in its own way stores nothing by mistake', async () => {
    await using server = await startNatsServer({ binary: natsServers().newest.path });
    const connection = await connect({ servers: server.url });
    const publish = connection.publish.bind(connection);
    connection.publish = (subject, payload, options) => publish(subject, payload, reencoded(options));
    await using foreign = await openWatermarkStore({ connection, bucket: 'b', timeoutMs: 1_000 });
    await using store = await openWatermarkStore({ servers: [server.url], bucket: 'b' });
    const revision = await store.watermarks.create('there', 'v1');

    const rejected = await foreign.watermarks.set('k', 'v1').catch((error: unknown) => error);
    expect(isWatermarkError(rejected, WatermarkErrorCode.INVALID_OPTIONS)).toBe(true);
    expect(String(rejected)).toContain('connection: its client sends other headers');
    await expect(foreign.watermarks.delete('there')).rejects.toThrow('other headers');
    // The condition holds, so nobody can confirm the conflict that the server speaks of.
    await expect(foreign.watermarks.compareAndSet('there', revision, 'v2')).rejects.toMatchObject({
        code: WatermarkErrorCode.UNAVAILABLE
    });

    const all = [...(await store.watermarks.getAll()).values()];
    expect(all.map(({ key, version }) => [key, version])).toEqual([['there', 'v1']]);
    await connection.close();
});
