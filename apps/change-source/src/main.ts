import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.js';
import { ChangeSourceServer } from './change-source.server.js';
import { configFromEnvironment } from './config.js';

try {
    const app = await NestFactory.createApplicationContext(AppModule.forConfig(configFromEnvironment(process.env)), {
        logger: ['log', 'warn', 'error', 'fatal'],
        abortOnError: false
    });
    app.enableShutdownHooks();
    // Whoever started this process as a child learns where it listens.
    process.send?.({ url: app.get(ChangeSourceServer, { strict: false }).url });
} catch (error) {
    new Logger('ChangeSource').fatal(error instanceof Error ? error.message : error);
    process.exit(1);
}
