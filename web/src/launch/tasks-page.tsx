import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useSchema } from '../schema/use-schema.ts';
import { Answer } from '../ui/states.tsx';
import { Help } from './parts.tsx';
import { taskGroups } from './tasks.ts';
import './launch.css';

/** What the server can be asked to do. */
export function TasksPage(): ReactNode {
  return (
    <>
      <h1>Launch</h1>
      <p className="quiet">
        Work for the queue: a worker takes it, and what it makes becomes runs of the lake.
      </p>
      <Answer result={useSchema()} what="the tasks of the server">
        {(schema) =>
          taskGroups(schema).map(({ title, tasks }) => (
            <section key={title}>
              <h2>{title}</h2>
              <dl className="tasks">
                {tasks.map((task) => (
                  <div key={task.name}>
                    <dt>
                      <Link href={`/launch/${task.name}`}>{task.title}</Link>
                    </dt>
                    <dd>
                      <Help text={task.description} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))
        }
      </Answer>
    </>
  );
}
