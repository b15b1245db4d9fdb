import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useRef } from 'react';
import { Link, Route, Switch, useRoute } from 'wouter';
import { JobPage } from './jobs/job-page.tsx';
import { JobsPage } from './jobs/jobs-page.tsx';
import { runOfPath } from './runs/address.ts';
import { RunsPage } from './runs/runs-page.tsx';
import { Empty, Loading } from './ui/states.tsx';
import { Door, SignedIn } from './ui/token.tsx';
import { useHeadingAsTitle } from './ui/use-heading-as-title.ts';

/** A page whose code is fetched when it is first opened: plots and editors are most of the code. */
function lazyPage<N extends string, P extends object>(
  load: () => Promise<Readonly<Record<N, ComponentType<P>>>>,
  name: N,
): LazyExoticComponent<ComponentType<P>> {
  return lazy(async () => {
    const page: ComponentType<P> = (await load())[name];
    return { default: page };
  });
}

const OverviewPage = lazyPage(() => import('./overview/overview-page.tsx'), 'OverviewPage');
const TasksPage = lazyPage(() => import('./launch/tasks-page.tsx'), 'TasksPage');
const FormPage = lazyPage(() => import('./launch/form-page.tsx'), 'FormPage');
const ComparePage = lazyPage(() => import('./compare/compare-page.tsx'), 'ComparePage');
const AggregatePage = lazyPage(() => import('./aggregate/aggregate-page.tsx'), 'AggregatePage');
const RunPage = lazyPage(() => import('./run/run-page.tsx'), 'RunPage');
const ConsolePage = lazyPage(() => import('./console/console-page.tsx'), 'ConsolePage');
const ExamplePage = lazyPage(() => import('./example/example-page.tsx'), 'ExamplePage');

function NavLink({ to, children }: { to: string; children: ReactNode }): ReactNode {
  const [exact] = useRoute(to);
  const [below] = useRoute(`${to}/*`);
  return (
    <Link href={to} aria-current={exact || below ? 'page' : undefined}>
      {children}
    </Link>
  );
}

export function App(): ReactNode {
  const main = useRef<HTMLElement>(null);
  useHeadingAsTitle(main);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width="22" height="22" /> Runlake
        </Link>
        <nav aria-label="Pages">
          <NavLink to="/">Overview</NavLink>
          <NavLink to="/runs">Runs</NavLink>
          <NavLink to="/aggregate">Aggregate</NavLink>
          <NavLink to="/jobs">Jobs</NavLink>
          <NavLink to="/launch">Launch</NavLink>
          <NavLink to="/console">Console</NavLink>
        </nav>
        <SignedIn />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Door>
          <Suspense fallback={<Loading what="the page" />}>
            <Switch>
              <Route path="/" component={OverviewPage} />
              <Route path="/runs" component={RunsPage} />
              <Route path="/runs/*">
                {(parameters) => <RunPage id={runOfPath(parameters['*'] ?? '')} />}
              </Route>
              <Route path="/examples" component={ExamplePage} />
              <Route path="/launch" component={TasksPage} />
              <Route path="/launch/:task">{({ task }) => <FormPage name={task} />}</Route>
              <Route path="/compare" component={ComparePage} />
              <Route path="/aggregate" component={AggregatePage} />
              <Route path="/console" component={ConsolePage} />
              <Route path="/jobs" component={JobsPage} />
              <Route path="/jobs/:id">{({ id }) => <JobPage id={id} />}</Route>
              <Route>
                <Empty>
                  There is no such page. <Link href="/runs">All runs</Link>
                </Empty>
              </Route>
            </Switch>
          </Suspense>
        </Door>
      </main>
    </>
  );
}
