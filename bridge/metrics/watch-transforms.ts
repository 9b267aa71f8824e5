import type { TransformObserver } from '../transforms/transforms.ts';
import type { Metrics } from './metrics.ts';

/** Observes the pool that transforms. */
export function watchTransforms(metrics: Metrics): TransformObserver {
  return {
    waiting: (priority, jobs) => metrics.set('countersign_transform_jobs_waiting', { priority }, jobs),
    finished(priority, { waited, worked }) {
      metrics.observe('countersign_transform_job_duration_seconds', { priority, part: 'waiting' }, waited);
      metrics.observe('countersign_transform_job_duration_seconds', { priority, part: 'working' }, worked);
    },
    failed: (priority, code) => metrics.count('countersign_transform_job_failures_total', { priority, code }),
  };
}
