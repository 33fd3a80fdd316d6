import type { WatermarkEvent, WatermarkService, WatchAllOptions } from '../../watermark.js';
import type { Recorder } from '../recorder.js';
import type { Scene } from '../scene.js';

/** An event as text, without what only the store knows. */
export function textOf(event: WatermarkEvent): string {
    switch (event.type) {
        case 'set':
            return `set ${event.watermark.key} ${event.watermark.version}`;
        case 'delete':
            return `delete ${event.key}`;
        default:
            return event.type;
    }
}

export const textsOf = (events: readonly WatermarkEvent[]) => events.map(textOf);

/** An iteration that takes down what it is told, and how it is ended. */
export interface Iteration extends AsyncDisposable {
    readonly events: Recorder<WatermarkEvent>;
    /** Resolves when the iteration has ended by itself. */
    readonly ended: () => Promise<void>;
    readonly abort: () => void;
}

/** Iterates over all changes under the scene's prefix, from what is there on. */
export function iterate(
    { recorder, prefix, soon }: Scene,
    watermarks: WatermarkService,
    options: WatchAllOptions = {}
): Iteration {
    const events = recorder<WatermarkEvent>();
    const stop = new AbortController();
    const running = (async () => {
        const settings = { prefix, includeCurrent: true, ...options, signal: stop.signal };
        for await (const event of watermarks.watchAll(settings)) {
            events.add(event);
        }
    })();
    const abort = () => stop.abort();
    const ended = () => soon(running, 'the end of the iteration');
    return {
        events,
        ended,
        abort,
        [Symbol.asyncDispose]: () => {
            abort();
            return ended();
        }
    };
}

/** Resolves once all that was there has been told. */
export async function complete({ events }: Iteration): Promise<void> {
    await events.until('current-complete', items => items.some(({ type }) => type === 'current-complete'));
}

/** Of what is past, either nothing was told, or that it was there and then that it was gone (by a replica that lags). */
export function isSaidOrTakenBack(told: readonly string[], set: string, deletion: string): boolean {
    return told.length === 0 || (told.length === 2 && told[0] === set && told[1] === deletion);
}
