import { WatermarkError, WatermarkErrorCode } from '../errors.js';
import type { ViewOptions, WatermarkView } from '../view.js';
import type { WatermarkChange } from '../watermark.js';
import { closedError } from './failures.js';
import { LiveView, type ViewSource } from './live-view.js';
import { findOptionProblems, showValue, wholeNumber } from './option-checks.js';

const CHECKS = {
    prefix: (value: unknown) => (typeof value === 'string' ? undefined : `expected a string, got ${showValue(value)}`),
    maxEntries: wholeNumber(1, Number.MAX_SAFE_INTEGER)
};

/** The open views of a service. */
export class Views {
    readonly #source: ViewSource;
    readonly #open = new Set<LiveView>();
    #closed = false;

    constructor(source: ViewSource) {
        this.#source = source;
    }

    /** What `view` of the service gives. */
    open(options: ViewOptions = {}): WatermarkView {
        const { problems } = findOptionProblems(options, CHECKS);
        const view = new LiveView(this.#source, problems.length > 0 ? {} : options, closed =>
            this.#open.delete(closed)
        );
        if (this.#closed || problems.length > 0) {
            view.closeWith(this.#closed ? closedError() : invalidOptions(problems));
        } else {
            this.#open.add(view);
            view.start();
        }
        return view;
    }

    /** Whether anybody wants to know of what this process writes. */
    get any(): boolean {
        return this.#open.size > 0;
    }

    /**
     * To be called with each write of the service once it is stored, before its caller learns of it, by a store that tells
     * of it only later.
     */
    wrote(change: WatermarkChange): void {
        for (const view of this.#open) {
            view.wrote(change);
        }
    }

    /** Closes them all, and those to come. */
    close(): void {
        this.#closed = true;
        for (const view of this.#open) {
            view.closeWith(closedError());
        }
    }
}

function invalidOptions(problems: readonly string[]): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_ARGUMENT, `The options of the view: ${problems.join('; ')}.`);
}
