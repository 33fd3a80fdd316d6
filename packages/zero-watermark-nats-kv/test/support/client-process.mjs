// Another process that uses the built package; see client-process.ts for what it is told.
import { once } from 'node:events';

import { openWatermarkStore } from '../../dist/store.js';

const { role, options, from = 1 } = JSON.parse(process.argv[2] ?? '{}');
const store = await openWatermarkStore(options);
const { watermarks } = store;

if (role === 'writer') {
    for (let count = from; ; count += 1) {
        const version = String(count).padStart(6, '0');
        const data = { text: version.repeat(100) };
        await watermarks.set('set', version, data);
        const { revision } = await watermarks.get('set');
        await watermarks.compareAndSet('set', revision, `${version}+`, data);
        await watermarks.advance('advanced', version, data);
        await watermarks.create(`created.${version}`, version, data);
        await watermarks.delete(`created.${version}`);
        console.log(version);
    }
}

await watermarks.set('k', 'v1');
await watermarks.watch('k', () => {}, { includeCurrent: true });
for await (const { type } of watermarks.watchAll({ includeCurrent: true })) {
    if (type === 'current-complete') {
        break;
    }
}
await Promise.all([watermarks.set('k', 'v2'), watermarks.set('k', 'v3'), watermarks.getAll()]);
await store.resumeTokens.getOrCreateWatermark('s', 'token');
console.log('worked');
await once(process.stdin, 'data');
process.stdin.destroy();
await store.close();
