// @ts-check
/*
 * One process that starts, reads once, and tells how long it took. Its arguments: what to open, and where.
 */
import process from 'node:process';

/** @typedef {{ openMs: number, readMs: number, memoryBytes: number, at: number }} Told `at`: ms since the epoch, after the read */

const [way = '', url = '', bucket = '', key = ''] = process.argv.slice(2);

const { openMs, readMs } = await (way === 'raw' ? raw() : ours());
/** @type {Told} */
const told = { openMs, readMs, memoryBytes: process.memoryUsage().rss, at: performance.timeOrigin + performance.now() };
process.stdout.write(JSON.stringify(told));

async function ours() {
    const { openWatermarkStore } = await import('@cbnsndwch/zero-watermark-nats-kv/store');
    const began = performance.now();
    const store = await openWatermarkStore({ servers: [url], bucket });
    const opened = performance.now();
    const found =
        way === 'resume'
            ? (await store.resumeTokens.resume('shard', key)).kind
            : (await store.watermarks.get(key))?.key;
    const read = performance.now();
    check(found, way === 'resume' ? 'resume' : key);
    await store.close();
    return { openMs: opened - began, readMs: read - opened };
}

async function raw() {
    const [{ Kvm }, { connect }] = await Promise.all([import('@nats-io/kv'), import('@nats-io/transport-node')]);
    const began = performance.now();
    const nc = await connect({ servers: url });
    const kv = await new Kvm(nc).create(bucket);
    const opened = performance.now();
    const found = (await kv.get(key))?.key;
    const read = performance.now();
    check(found, key);
    await nc.close();
    return { openMs: opened - began, readMs: read - opened };
}

/**
 * @param {string | undefined} found
 * @param {string} expected
 */
function check(found, expected) {
    if (found !== expected) {
        throw new Error(`The first read gave ${found} instead of ${expected}.`);
    }
}
