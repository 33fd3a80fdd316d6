import type { Msg } from '@nats-io/transport-node';

/** After how many messages the server says how far it is; with larger numbers it does so as often [2.15.1]. */
const REPORT_EVERY = 500;

const START = 0;
const APPEND = 1;
const COMMIT = 2;

/** What a message of a fast batch says of itself at the end of its reply subject (ADR-50). */
export function fastBatchSuffix(index: number, length: number): string {
    const operation = index === length - 1 ? COMMIT : index === 0 ? START : APPEND;
    // `fail`: nothing is to be stored behind a gap.
    return `.${REPORT_EVERY}.fail.${index + 1}.${operation}.$FI`;
}

/** Whether this is how a fast batch ended, and not a report on the way. That nobody took a later message is neither. */
export function endsFastBatch(message: Msg): boolean {
    return message.data.length === 0
        ? message.subject.endsWith(`.1.${START}.$FI`)
        : !message.string().includes('"type":');
}
