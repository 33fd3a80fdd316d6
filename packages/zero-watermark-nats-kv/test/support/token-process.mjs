// A change source's process, as far as resume tokens go: asks for the watermarks of `<prefix>0`, `<prefix>1`, … one
// after the other, many in flight, and prints each as a line of JSON.
import { openWatermarkStore } from '../../dist/store.js';

const { servers, bucket, replicas, prefix, count } = JSON.parse(process.argv[2] ?? '{}');
const store = await openWatermarkStore({ servers, bucket, replicas });

async function* changes() {
    for (let index = 0; index < count; index += 1) {
        yield `${prefix}${index}`;
    }
}

const options = { resumeTokenOf: token => token, maxInFlight: 50 };
for await (const { change, watermark } of store.resumeTokens.assignWatermarks('s', changes(), options)) {
    process.stdout.write(`${JSON.stringify([change, watermark])}\n`);
}
await store.close();
