import assert from 'node:assert/strict';

import { movingPlans } from './moving-plans.js';
import { runInVitest } from './nested-vitest.js';
import { bootDeclared, type Block, type Plan } from './plan.js';
import { runScript, runTests } from './run-block.js';
import type { Scene } from './scene.js';
import { upstreamPlans } from './upstream-plans.js';

/** The blocks of our own documents that are not run as {@link planByDefault} says, by document and heading. */
export const documentPlans: Readonly<Record<string, Plan>> = {
    'docs/security.md # TLS': { server: 'tls', run: bootDeclared },
    'docs/security.md # Watermarks': {
        run: {
            notRun:
                'it trusts the authorities that Node trusts, and none of them signs for a test; the tests of security ' +
                'use the whole API under the configuration that stands above it'
        }
    },
    ...movingPlans,
    ...upstreamPlans,
    'docs/new-backend.md # The first half, tested': { run: passCases(150) },
    'docs/new-backend.md # Everything, tested': { run: passCases(300) }
};

/** Sees a block that is a test file pass at least so many tests, whose names stand elsewhere. */
function passCases(atLeast: number) {
    return async (scene: Scene) => {
        const passed = await runInVitest(scene);
        assert.ok(passed.length >= atLeast, `${passed.length} cases`);
    };
}

/**
 * What is done with a block of our own: it is compiled strictly and run, and
 *
 * - a line `// → text` says that the line `text` is printed, in this order;
 * - a class called `…Module` is started as an application, which must then store and find a watermark;
 * - other exported classes are made by Nest, in an application with the store;
 * - a module that is declared but not exported is started too;
 * - a block with tests is run by vitest, and all of them must pass;
 * - a block that is a file of its own (`// name.ts`) is for others to import: its classes are not made.
 */
export function planByDefault(block: Block): Plan {
    return { run: scene => (/\bfrom 'vitest'/.test(block.code) ? runTests(block, scene) : runScript(block, scene)) };
}
