import { constants } from 'node:os';

import { parseArguments, USAGE, UsageError } from './arguments.js';
import { playDemo } from './demo.js';
import { run } from './run.js';
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
// All that was started has ended; only a timer of Zero's client would keep this process for some more seconds.
process.exit(await main());

async function main(): Promise<number> {
    try {
        const options = parseArguments(process.argv.slice(2));
        if (options === 'help') {
            console.log(USAGE);
            return 0;
        }
        const screen = new Screen(process.stdout, process.env);
        // What zero-cache's client brings along takes a second to load.
        const play = options.zero ? (await import('./zero/demo.js')).playZeroDemo : playDemo;
        return (await run(screen, interrupt.signal, running => play(options, screen, running))) ? 0 : 1;
    } catch (error) {
        if (error instanceof UsageError) {
            console.error(`${error.message}\n\n${USAGE}`);
            return 2;
        }
        console.error(error instanceof Error ? error.message : error);
        return error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
    }
}
