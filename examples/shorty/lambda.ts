import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
import { app } from './app.ts';

// Deploy the folder public/ beside the bundle.
export const handler = toLambdaHandler(app);
