// @ts-check
import process from 'node:process';

/** A problem the user can mend; its message is complete and is shown without a stack. */
export class SetupError extends Error {
    /** @override */
    name = 'SetupError';
}

/**
 * Removes the credentials of URLs, so that a mirror's or proxy's password never reaches the terminal.
 *
 * @param {string} text
 */
export function redact(text) {
    return text.replace(/(\w:\/\/)[^\s/@']+@/g, '$1***@');
}

/**
 * Prints to stderr, so that the output of the script that comes next stays clean.
 *
 * @param {string} line
 */
export function say(line) {
    process.stderr.write(`setup: ${redact(line)}\n`);
}

/**
 * @typedef {object} ProgressOutput
 * @property {(text: string) => void} write
 * @property {boolean} isTerminal
 * @property {number} [columns]
 */

/** @returns {ProgressOutput} */
function standardError() {
    const { isTTY, columns } = process.stderr;
    return { write: text => void process.stderr.write(text), isTerminal: isTTY === true, columns: columns || 80 };
}

/**
 * Shows how far one download is: a line that is redrawn on a terminal, a line for each quarter elsewhere.
 *
 * @param {string} label
 * @param {ProgressOutput} [output]
 */
export function createProgress(label, output = standardError()) {
    let quarter = 0;
    let shown = '';
    if (!output.isTerminal) {
        output.write(`setup: ${label} ...\n`);
    }
    return {
        /**
         * @param {number} percent
         * @param {string} [detail]
         */
        update(percent, detail = '') {
            const line = `setup: ${label} ... ${Math.floor(percent)} %${detail && `  ${detail}`}`;
            if (output.isTerminal) {
                const cut = line.slice(0, (output.columns ?? 80) - 1);
                if (cut !== shown) {
                    output.write(`\r\x1b[K${cut}`);
                    shown = cut;
                }
            } else if (Math.floor(percent / 25) > quarter) {
                quarter = Math.floor(percent / 25);
                output.write(`${line}\n`);
            }
        },
        /** Leaves the terminal's cursor on a fresh line; call it however the download ended. */
        end() {
            if (output.isTerminal) {
                output.write('\r\x1b[K');
            }
        }
    };
}
