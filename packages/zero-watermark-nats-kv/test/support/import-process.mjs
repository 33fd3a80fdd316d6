// A process that imports a file into a store, with the built package, and prints the report as a line of JSON. Where it is
// to be killed is up to whoever started it: it prints a line for each piece of the file that it takes.
import { createReadStream } from 'node:fs';

import { openWatermarkStore } from '../../dist/store.js';

const { options, service, path } = JSON.parse(process.argv[2] ?? '{}');
const store = await openWatermarkStore(options);

async function* pieces() {
    for await (const piece of createReadStream(path, { highWaterMark: 4_096 })) {
        process.stdout.write('piece\n');
        yield piece;
    }
}

const report = await store[service].importWatermarks(pieces());
process.stdout.write(`${JSON.stringify(report)}\n`);
await store.close();
