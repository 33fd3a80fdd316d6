// @ts-check
import process from 'node:process';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../recording.js').Line} Line */

/** The machine's monotonic clock, which all processes share, in milliseconds. */
export function now() {
    return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Says something to whoever started this process. What goes into a pipe is written when this returns, so nothing that was
 * said is lost when the process is killed.
 *
 * @param {Line} line
 */
export function say(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

let calls = 0;

/**
 * Notes that a call begins; to be called right before it.
 *
 * @param {Call} call
 */
export function begin(call) {
    const id = (calls += 1);
    say({ line: 'begin', id, call, atMs: now() });
    return {
        /** @param {Answer} answer */
        answered: answer => say({ line: 'end', id, atMs: now(), answer }),
        /** @param {unknown} error */
        failed: error => say({ line: 'end', id, atMs: now(), ...failure(error) })
    };
}

/**
 * Makes a call and notes how it ends.
 *
 * @param {Call} call
 * @param {(call: Call) => Promise<Answer>} perform
 * @returns {Promise<Answer | undefined>} `undefined`: it failed
 */
export async function record(call, perform) {
    const begun = begin(call);
    try {
        const answer = await perform(call);
        begun.answered(answer);
        return answer;
    } catch (error) {
        begun.failed(error);
        return undefined;
    }
}

/** @param {unknown} error */
function failure(error) {
    const { name, code, actualRevision, stack } = /** @type {Error & { code?: unknown, actualRevision?: unknown }} */ (
        error instanceof Error ? error : new Error(String(error))
    );
    const isOurs = /^(Watermark|RevisionConflict|CorruptRecord|Import)Error$/.test(name) && typeof code === 'string';
    return {
        error: isOurs
            ? { code: /** @type {import('@cbnsndwch/zero-contracts').WatermarkErrorCode} */ (code) }
            : { unexpected: stack ?? name },
        ...(typeof actualRevision === 'number' ? { actualRevision } : {})
    };
}
