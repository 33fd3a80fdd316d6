import 'reflect-metadata';

import { documentPlans, planByDefault } from './document-plans.js';
import type { Block, Plan } from './plan.js';
import { Scene } from './scene.js';
import { Servers } from './servers.js';
import { specificationPlans } from './specification-plans.js';

/** A block to run: sent by the test. */
export interface Order {
    readonly block: Block;
    /** Whether the block is the specification's, not ours. */
    readonly specified: boolean;
    /** What tsc made of it. */
    readonly scriptPath: string;
}

/** How it went: sent back. */
export interface Report {
    /** The error with its stack, `undefined` when all went well. */
    readonly failure: string | undefined;
}

/** The plan of a block; each of the specification's must have one of its own. */
export function planOf(block: Block, specified: boolean): Plan {
    if (!specified) {
        return documentPlans[`${block.document} # ${block.name}`] ?? planByDefault(block);
    }
    const plan = specificationPlans[block.name];
    if (plan === undefined) {
        throw new Error(`${block.document}:${block.line}: no plan for the block under "${block.name}"`);
    }
    return plan;
}

async function perform({ block, specified, scriptPath }: Order, servers: Servers): Promise<void> {
    const { run, server = 'open' } = planOf(block, specified);
    if (typeof run === 'function') {
        await using scene = await Scene.open(scriptPath, servers, server);
        await run(scene, block);
    }
}

/*
 * Blocks run in a process of their own, in plain Node: the test runner would give them the packages' sources instead of
 * what is published. It ends, with its servers, when the test lets go of it or is gone.
 */
if (process.send !== undefined && process.argv[2] === 'serve') {
    const servers = new Servers();
    process.on('message', (order: Order) => {
        void perform(order, servers)
            .then(
                () => undefined,
                (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
            )
            .then(failure => process.send?.({ failure } satisfies Report));
    });
    // A block that hangs must not keep the process.
    process.once('disconnect', () => void servers[Symbol.asyncDispose]().finally(() => process.exit()));
}
