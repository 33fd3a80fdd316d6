import type { AdvanceOptions, WatchAllOptions, WatchOptions } from '../watermark.js';
import { type CallOptionChecks, checkCallOptions } from './arguments.js';
import { booleanOption, functionOption, signalOption, textOption } from './option-checks.js';
import { inStringOrder } from './order.js';

const ADVANCE: CallOptionChecks<AdvanceOptions> = { compare: functionOption };
const WATCH: CallOptionChecks<WatchOptions> = { includeCurrent: booleanOption, onDelete: functionOption };
const WATCH_ALL: CallOptionChecks<WatchAllOptions> = {
    prefix: textOption,
    includeCurrent: booleanOption,
    signal: signalOption
};

/**
 * The options of `WatermarkService.advance`, with the default.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkAdvanceOptions(options: AdvanceOptions | undefined): Required<AdvanceOptions> {
    return { compare: inStringOrder, ...checkCallOptions(options, ADVANCE) };
}

/**
 * The options of `WatermarkService.watch`, with the defaults.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkWatchOptions(options: WatchOptions | undefined): Required<WatchOptions> {
    return { includeCurrent: false, onDelete: () => {}, ...checkCallOptions(options, WATCH) };
}

/** The options of `watchAll`, with the defaults; without a signal, only its consumer ends it. */
type CheckedWatchAllOptions = Required<Omit<WatchAllOptions, 'signal'>> & Pick<WatchAllOptions, 'signal'>;

/**
 * The options of `WatermarkService.watchAll`, with the defaults.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkWatchAllOptions(options: WatchAllOptions | undefined): CheckedWatchAllOptions {
    return { prefix: '', includeCurrent: false, ...checkCallOptions(options, WATCH_ALL) };
}
