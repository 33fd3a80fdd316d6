import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';

import { JetStream } from '../src/jetstream.js';
import { headersWith } from '../src/message-headers.js';
import { Requester } from '../src/requester.js';
import { openWatermarkStore, WatermarkErrorCode } from '../src/store.js';
import { startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { Administrator } from './support/administrator.js';
import { rejectionOf, uniqueBucket } from './support/backends.js';
import { configure } from './support/reload.js';

const { newest, oldest } = natsServers();
const SHARD = 'orders';
const large = (name: string) => `${name}-${'x'.repeat(20_000)}`;

async function expectTooLarge(call: Promise<unknown>, message: RegExp): Promise<void> {
    const startedAt = performance.now();
    const error = await rejectionOf(call);
    expect(error).toMatchObject({ code: WatermarkErrorCode.VALUE_TOO_LARGE, retryable: false });
    expect(error.message).toMatch(message);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
}

describe.each([newest, oldest])('nats-server $version', ({ path: binary }) => {
    test('what the server takes at present is the limit, also when it was more at the start', async () => {
        await using server = await startNatsServer({ binary, config: '' });
        await using store = await openWatermarkStore({ servers: [server.url], bucket: uniqueBucket() });
        const { watermarks, resumeTokens } = store;
        await watermarks.set('users', 'v1', { text: large('first') });
        await resumeTokens.getOrCreateWatermark(SHARD, large('first'));
        await configure(server, 'max_payload: 8192');
        await server.restart();
        expect((await watermarks.get('users'))?.version).toBe('v1');

        const both = /has 20\d{3} bytes.*takes at most 8032/;
        await expectTooLarge(watermarks.set('users', 'v2', { text: large('second') }), both);
        await expectTooLarge(watermarks.create('orders', 'v1', { text: large('second') }), both);
        await expectTooLarge(resumeTokens.getOrCreateWatermark(SHARD, large('second')), both);
        await expectTooLarge(resumeTokens.getOrCreateWatermarks(SHARD, ['small', large('second')]), both);
        await watermarks.set('users', 'v2');
        await resumeTokens.getOrCreateWatermark(SHARD, 'small');

        await configure(server, '');
        await server.restart();
        await watermarks.get('users');
        await watermarks.set('users', 'v3', { text: large('third') });
        await resumeTokens.getOrCreateWatermark(SHARD, large('third'));
    });

    test('a bucket that takes less than it did says so itself', async () => {
        await using server = await startNatsServer({ binary });
        await using administrator = await Administrator.connect([server.url]);
        const bucket = uniqueBucket();
        await using store = await openWatermarkStore({ servers: [server.url], bucket });
        const { watermarks, resumeTokens } = store;
        const { revision } = (await watermarks.set('users', 'v1').then(() => watermarks.get('users'))) ?? {
            revision: 0
        };
        await resumeTokens.getOrCreateWatermark(SHARD, 'first');
        for (const name of [bucket, `${bucket}-tokens-${SHARD}`]) {
            await administrator.lowerRecordSize(name, 8_192);
        }

        const refused = /KV bucket "[^"]+" takes (nothing as large as this: .*10054|at most 8032)/;
        await expectTooLarge(watermarks.set('users', 'v2', { text: large('second') }), refused);
        await expectTooLarge(watermarks.compareAndSet('users', revision, 'v2', { text: large('second') }), refused);
        await expectTooLarge(resumeTokens.getOrCreateWatermark(SHARD, large('second')), refused);
        await expectTooLarge(resumeTokens.getOrCreateWatermarks(SHARD, ['a', large('second'), 'b']), refused);
        await expectTooLarge(resumeTokens.getOrCreateWatermarks(SHARD, ['c', 'd', large('third')]), refused);
        await watermarks.set('users', 'v2');
        await resumeTokens.getOrCreateWatermarks(SHARD, ['a', 'b']);
    });
});

test('what the client refuses to send is told by its size, and whether something was sent before', async () => {
    await using server = await startNatsServer({ binary: newest.path, config: 'max_payload: 8192' });
    const nc = await connect({ servers: server.url });
    const js = new JetStream(new Requester(nc, undefined));
    await js.createStream({ name: 'tokens', subjects: ['tokens.>'], allow_atomic: true, allow_batched: true }, 5_000);
    const small = { subject: 'tokens.small', payload: Buffer.from('small') };
    const tooLarge = { subject: 'tokens.large', payload: Buffer.from(large('token')) };
    const refusal = { kind: 'too-large', sizes: { bytes: 20_006, mostBytes: 8_192 } };

    const single = js.publish(tooLarge.subject, tooLarge.payload, headersWith(), 5_000);
    expect(await rejectionOf(single)).toMatchObject({ ...refusal, mayHaveArrived: false });
    const staged = js.stageBatch([small, tooLarge, small], []);
    expect(await rejectionOf(staged.commit(5_000))).toMatchObject({ ...refusal, mayHaveArrived: false });
    // Of a fast batch each message is stored as it comes.
    const fast = js.publishFast([small, tooLarge], [], 0, 5_000);
    expect(await rejectionOf(fast)).toMatchObject({ ...refusal, mayHaveArrived: true });
    await nc.close();
});
