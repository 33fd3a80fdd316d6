import { constants } from 'node:os';

import { parseArguments, USAGE, UsageError } from './arguments.js';
import { runDemo } from './demo.js';
import { Screen } from './screen.js';

/** The person or the system wants the demo to end. */
class Interrupted extends Error {
    override readonly name = 'Interrupted';

    constructor(readonly signal: NodeJS.Signals) {
        super(`Interrupted by ${signal}; everything that was started is ended and removed.`);
    }
}

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupt.abort(new Interrupted(signal)));
}
// The reader of a pipe is gone.
process.stdout.on('error', () => interrupt.abort(new Interrupted('SIGPIPE')));
process.exitCode = await main();

async function main(): Promise<number> {
    try {
        const options = parseArguments(process.argv.slice(2));
        if (options === 'help') {
            console.log(USAGE);
            return 0;
        }
        const screen = new Screen(process.stdout, process.env);
        return (await runDemo(options, screen, interrupt.signal)) ? 0 : 1;
    } catch (error) {
        if (error instanceof UsageError) {
            console.error(`${error.message}\n\n${USAGE}`);
            return 2;
        }
        console.error(error instanceof Error ? error.message : error);
        return error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
    }
}
