// @ts-check
// A process of an application: works at random on all methods of both services, and says what it does; see clients.ts.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

import { openWatermarkStore } from '../../../../dist/store.js';
import { Random } from '../random.mjs';
import { assign, storeMany } from './change-source.mjs';
import { Chooser } from './choose.mjs';
import { Memory } from './memory.mjs';
import { perform } from './perform.mjs';
import { now, record, say } from './recorder.mjs';
import { sample } from './sample.mjs';
import { CurrentView } from './view.mjs';
import { KeyWatchers, watchEverything } from './watchers.mjs';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../clients.js').ClientOrder} ClientOrder */

/** @type {ClientOrder} */
const order = JSON.parse(process.argv[2] ?? '{}');
const random = new Random(order.seed);
const memory = new Memory();
const working = new AbortController();
const ending = new AbortController();

const orders = createInterface({ input: process.stdin });
orders.on('line', word => (word === 'stop' ? working.abort() : ending.abort()));
orders.on('close', () => process.exit());
process.on('unhandledRejection', error => say({ line: 'problem', text: `unhandled rejection: ${String(error)}` }));

noticeStalls();
const store = await open();
const watchers = new KeyWatchers(store.watermarks, order);
const view = new CurrentView(store.watermarks, order);
const chooser = new Chooser(order, random, memory, view);
void watchEverything(store.watermarks, order).catch(problem);
const sampling = setInterval(() => say({ line: 'sample', atMs: now(), ...sample() }), order.sampleEveryMs);
await Promise.all([
    ...Array.from({ length: order.callers }, () => work(() => chooser.watermarkCall())),
    ...Array.from({ length: Math.ceil(order.callers / 2) }, () => work(() => chooser.tokenCall())),
    assign(store.resumeTokens, chooser, order, random.fork(), working.signal, memory),
    storeMany(store.resumeTokens, chooser, order, working.signal),
    keepWatching(),
    view.keep(random.fork(), working.signal)
]);
say({ line: 'stopped', atMs: now() });
await new Promise(resolve => (ending.signal.aborted ? resolve(undefined) : (ending.signal.onabort = resolve)));
clearInterval(sampling);
orders.removeAllListeners('close').close();
process.stdin.destroy();
await store.close();

/** Says when this process did not get to run; see stalls.ts. */
function noticeStalls() {
    let last = now();
    setInterval(() => {
        const atMs = now();
        if (atMs - last > 1_000) {
            say({ line: 'stall', fromMs: last, toMs: atMs });
        }
        last = atMs;
    }, 100).unref();
}

/** The servers may be away for longer than opening waits for them. */
async function open() {
    for (;;) {
        try {
            return await openWatermarkStore({
                servers: [],
                ...order.store,
                logger: {
                    warn: message => say({ line: 'log', level: 'warn', message }),
                    error: (message, error) =>
                        say({ line: 'log', level: 'error', message: `${message} ${String(error)}` })
                }
            });
        } catch (error) {
            if (/** @type {{ code?: string }} */ (error).code !== 'ERR_WATERMARK_UNAVAILABLE') {
                throw error;
            }
            say({ line: 'log', level: 'error', message: `could not open: ${String(error)}` });
        }
    }
}

/** @param {() => Call} next */
async function work(next) {
    const own = random.fork();
    while (!working.signal.aborted) {
        const call = next();
        const answer = await record(call, () => perform(store, view, call));
        if (answer !== undefined) {
            memory.learn(call, answer);
        }
        await wait(own.whole(0, 2 * order.pauseMs));
    }
}

async function keepWatching() {
    const own = random.fork();
    while (!working.signal.aborted) {
        await watchers.add(own).catch(() => {});
        await wait(own.whole(0, 2 * order.watchEveryMs), undefined, { signal: working.signal }).catch(() => {});
    }
}

/** @param {unknown} error */
function problem(error) {
    say({ line: 'problem', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
