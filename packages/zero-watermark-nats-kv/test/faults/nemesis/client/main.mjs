// @ts-check
// A process of an application: works at random on all methods of both services, and says what it does; see clients.ts.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

import { openWatermarkStore } from '../../../../dist/store.js';
import { Random } from '../random.mjs';
import { assign, storeMany } from './change-source.mjs';
import { TokenChooser } from './choose-tokens.mjs';
import { WatermarkChooser } from './choose-watermarks.mjs';
import { Memory } from './memory.mjs';
import { moveShards } from './moving.mjs';
import { performOnTokens } from './perform-tokens.mjs';
import { performOnWatermarks } from './perform-watermarks.mjs';
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
const store = await open({});
// Its shards are all abandoned when they are cleared, so they are a store of their own.
const endings = await open({ bucket: order.endingBucket, name: `${order.name}-endings` });
const watchers = new KeyWatchers(store.watermarks, order);
const view = new CurrentView(store.watermarks, order);
const chooser = new WatermarkChooser(order, random, memory, view);
const tokenChooser = new TokenChooser(order, random, memory);
void watchEverything(store.watermarks, order).catch(problem);
const sampling = setInterval(() => say({ line: 'sample', atMs: now(), ...sample() }), order.sampleEveryMs);
await Promise.all([
    ...Array.from({ length: order.callers }, () => work(() => chooser.next())),
    ...Array.from({ length: Math.ceil(order.callers / 2) }, () => work(() => tokenChooser.next())),
    ...Array.from({ length: Math.ceil(order.callers / 4) }, () => work(() => tokenChooser.nextEnding())),
    moveShards(order, random.fork(), working.signal, make),
    assign(store.resumeTokens, tokenChooser, order, random.fork(), working.signal, memory),
    storeMany(store.resumeTokens, tokenChooser, order, working.signal),
    keepWatching(),
    view.keep(random.fork(), working.signal)
]);
say({ line: 'stopped', atMs: now() });
await new Promise(resolve => (ending.signal.aborted ? resolve(undefined) : (ending.signal.onabort = resolve)));
clearInterval(sampling);
orders.removeAllListeners('close').close();
process.stdin.destroy();
await Promise.all([store.close(), endings.close()]);

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

/**
 * The servers may be away for longer than opening waits for them.
 *
 * @param {{ bucket?: string, name?: string }} options
 */
async function open(options) {
    for (;;) {
        try {
            return await openWatermarkStore({
                servers: [],
                ...order.store,
                ...options,
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
        await make(next());
        await wait(own.whole(0, 2 * order.pauseMs));
    }
}

/**
 * Makes a call, and learns from it.
 *
 * @param {Call} call
 */
async function make(call) {
    const answer = await record(call, () => perform(call));
    if (answer !== undefined) {
        memory.learn(call, answer);
    }
    return answer;
}

/** @param {Call} call */
function perform(call) {
    const isEnding = call.kind === 'clearShards' || ('shard' in call && order.endingShards.includes(call.shard));
    return isEnding || 'shard' in call
        ? performOnTokens((isEnding ? endings : store).resumeTokens, call)
        : performOnWatermarks(store.watermarks, view, call);
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
