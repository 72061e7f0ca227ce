import serverlessExpress from '@codegenie/serverless-express';
import { app } from './express-app.ts';

export const handler = serverlessExpress({ app, binarySettings: { contentTypes: ['application/octet-stream'] } });
