// @ts-check
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
/** @type {Set<number>} */
const watched = new Set();

/** @param {number} root @returns {number[]} */
function withDescendants(root) {
    const parents = readdirSync('/proc')
        .filter(name => /^\d+$/.test(name))
        .map(name => {
            try {
                const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
                return [Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])];
            } catch {
                return [0, 0];
            }
        });
    /** @type {(pid: number) => number[]} */
    const below = pid =>
        parents.filter(([, parent]) => parent === pid).flatMap(([child = 0]) => [child, ...below(child)]);
    return [root, ...below(root)];
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {});
}
for await (const line of createInterface({ input: process.stdin })) {
    if (line.startsWith('+')) {
        watched.add(Number(line.slice(1)));
    } else {
        watched.delete(Number(line.slice(1)));
    }
}
for (const pid of [...watched].flatMap(withDescendants)) {
    try {
        process.kill(pid, 'SIGKILL');
    } catch {
        // It is gone.
    }
}
if (folder !== undefined) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
