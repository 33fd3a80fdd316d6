/**
 * Another process that uses the built package. It is told what to be (JSON), says "opening", and "ready" once the store is open, begins
 * when it is told to go, and prints a line of JSON for each call that was acknowledged.
 */
import { once } from 'node:events';

import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

const { role, options, tokens = [], from = 0, shard = 's' } = JSON.parse(process.argv[2]);
const say = message => process.stdout.write(`${JSON.stringify(message)}\n`);

const roles = {
    /** Asks for the watermarks of given tokens, some one by one and some together. */
    async racer({ resumeTokens }) {
        for (let start = 0; start < tokens.length; start += 10) {
            const some = tokens.slice(start, start + 10);
            const watermarks =
                start % 20 === 0
                    ? await resumeTokens.getOrCreateWatermarks(shard, some)
                    : await Promise.all(some.map(token => resumeTokens.getOrCreateWatermark(shard, token)));
            some.forEach((token, index) => say({ token, watermark: watermarks[index] }));
        }
    },

    /** Does everything that writes, until it is killed. */
    async writer({ watermarks, resumeTokens }) {
        for (let count = from; ; count += 1) {
            const version = String(count).padStart(8, '0');
            const data = { text: version.repeat(50) };
            const group = Array.from({ length: 50 }, (_, index) => `${version}.${index}`);
            await Promise.all([
                watermarks.set('set', version, data).then(() => say({ key: 'set', version })),
                watermarks.advance('advanced', version, data).then(() => say({ key: 'advanced', version })),
                watermarks.create(`created.${version}`, version, data),
                resumeTokens.getOrCreateWatermark(shard, version).then(watermark => say({ token: version, watermark })),
                resumeTokens
                    .getOrCreateWatermarks(shard, group)
                    .then(given => given.forEach((watermark, index) => say({ token: group[index], watermark }))),
                resumeTokens.beginSync(shard, version).then(watermark => resumeTokens.acknowledge(shard, watermark))
            ]);
            await watermarks.delete(`created.${version}`);
            await resumeTokens.abandon('other');
        }
    },

    /** Writes one key a few times, with pauses. */
    async setter({ watermarks }) {
        for (let count = 0; count < 20; count += 1) {
            await watermarks.set('users', `v${count}`);
            await new Promise(resolve => setTimeout(resolve, 30 + 10 * (count % 7)));
        }
    },

    /** Writes until that fails, and looks at what is there then, twice. */
    async filler({ watermarks }) {
        const text = 'x'.repeat(20_000);
        for (let stored = 0; ; stored += 1) {
            try {
                await watermarks.set(`key.${stored}`, 'v1', { text });
            } catch ({ code }) {
                const sizes = [(await watermarks.getAll()).size];
                await watermarks.delete('nobody');
                sizes.push((await watermarks.getAll()).size);
                say({ stored, code, sizes });
                return;
            }
        }
    },

    /** Writes once, and leaves the store open. */
    async visitor({ watermarks }) {
        await watermarks.set('visited', 'v1');
        const unwatch = await watermarks.watch('visited', () => {});
        unwatch();
    },

    /** Watches, and does nothing else. */
    async watcher({ watermarks }) {
        await watermarks.watch('users', ({ version }) => say({ key: 'users', version }), { includeCurrent: true });
    }
};

say('opening');
const store = await openWatermarkStore(options);
say('ready');
await once(process.stdin, 'data');
process.stdin.unref();
await roles[role](store);
say('done');
