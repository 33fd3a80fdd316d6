import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { descendantsOf, killAll } from './processes.js';

/* The guardian's process, see guardian.ts. It reads lines of `+pid` and `-pid`; the end of them is the sign to act. */

const [folder = ''] = process.argv.slice(2);
const watched = new Set<number>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {});
}
for await (const line of createInterface({ input: process.stdin })) {
    const pid = Number(line.slice(1));
    if (line.startsWith('+')) {
        watched.add(pid);
    } else {
        watched.delete(pid);
    }
}
try {
    killAll([...watched].flatMap(pid => [pid, ...descendantsOf(pid)]));
} finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
