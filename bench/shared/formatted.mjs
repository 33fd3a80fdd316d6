// @ts-check
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

/**
 * Text as everything in this repository is formatted.
 *
 * @param {string} text
 * @param {'markdown' | 'json'} parser
 */
export async function formatted(text, parser) {
    const config = await resolveConfig(fileURLToPath(import.meta.url));
    return format(text, { ...config, parser });
}
