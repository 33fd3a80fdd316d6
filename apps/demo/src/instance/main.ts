import 'reflect-metadata';
import { rmSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.js';
import type { InstanceConfig } from './config.js';

// Ctrl-C in a terminal reaches all processes; the one that started this one decides what becomes of it.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});

const config = JSON.parse(process.argv[2] ?? '') as InstanceConfig;

const orphaned = () => {
    // Nobody is left to look at the ledgers, or to remove them.
    rmSync(config.directory, { recursive: true, force: true });
    process.exit(1);
};
process.on('disconnect', orphaned);

const app = await NestFactory.createApplicationContext(await AppModule.forInstance(config), {
    logger: ['error', 'warn'],
    abortOnError: false
});

process.on('message', message => {
    if (message === 'stop') {
        void app.close().finally(() => {
            process.off('disconnect', orphaned);
            process.disconnect();
        });
    }
});
