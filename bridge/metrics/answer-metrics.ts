import type { RequestListener } from 'node:http';
import type { Logger } from '../lib/logger.ts';
import type { Metrics } from './metrics.ts';

/** Answers `GET /metrics` and nothing else: for a listener of its own, which the public never reaches. */
export function answerMetrics(metrics: Metrics, logger: Logger): RequestListener {
  return (request, response) => {
    request.resume();
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== '/metrics') return void response.writeHead(404).end();
    if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
    metrics.read().then(
      ({ text, mediaType }) => response.writeHead(200, { 'content-type': mediaType }).end(text),
      (err: unknown) => {
        logger.error({ err }, 'metrics could not be read');
        response.writeHead(500).end();
      },
    );
  };
}
