// Another process that opens stores, and does with them what it is told; see remote-store.ts.
import process from 'node:process';

const { openWatermarkStore } = await import(process.argv[2] ?? '');
const stores = new Map();
const running = new Map();

const tell = message => process.send?.(message);

/** An error as a message can hold it, with all that it carries. */
function plain(error) {
    const { name, message } = error;
    return { ...error, name, message };
}

function logger(store) {
    return {
        warn: message => tell({ store, level: 'warn', message }),
        error: (message, error) => tell({ store, level: 'error', message: `${message} ${String(error)}` })
    };
}

/** Tells each event of a watch until it is ended. */
async function watch(id, watermarks, key, includeCurrent) {
    const unwatch = await watermarks.watch(key, watermark => tell({ id, event: { type: 'set', watermark } }), {
        includeCurrent,
        onDelete: deletion => tell({ id, event: { type: 'delete', ...deletion } })
    });
    running.set(id, unwatch);
}

/** Iterates until it is ended; what ends it by itself is told as well. */
function watchAll(id, watermarks, options) {
    const stop = new AbortController();
    running.set(id, () => stop.abort());
    const iterate = async () => {
        for await (const event of watermarks.watchAll({ ...options, signal: stop.signal })) {
            tell({ id, event });
        }
    };
    void iterate().then(
        () => tell({ id, ended: true }),
        error => tell({ id, ended: true, error: plain(error) })
    );
}

async function allOf(lines) {
    const all = [];
    for await (const line of lines) {
        all.push(line);
    }
    return all;
}

async function perform({ id, store, call, args }) {
    if (call === 'open') {
        stores.set(store, await openWatermarkStore({ ...args[0], logger: logger(store) }));
        return undefined;
    }
    const { watermarks, resumeTokens, close } = stores.get(store);
    switch (call) {
        case 'close':
            return close();
        case 'watermarks.watch':
            return watch(id, watermarks, ...args);
        case 'watermarks.watchAll':
            return watchAll(id, watermarks, ...args);
        case 'resumeTokens.exportWatermarks':
            return allOf(resumeTokens.exportWatermarks(...args));
        case 'end':
            return running.get(args[0])?.();
        default: {
            const [service, method] = call.split('.');
            return { watermarks, resumeTokens }[service][method](...args);
        }
    }
}

process.on('message', order => {
    perform(order).then(
        value => tell({ id: order.id, value }),
        error => tell({ id: order.id, error: plain(error) })
    );
});
process.once('disconnect', () => process.exit());
tell({ ready: true });
