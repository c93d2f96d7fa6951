import { render } from 'preact';
import './style.css';
import { startActivity } from './model/activity.ts';
import { startLookingForGraphiql } from './model/graphiql.ts';
import { startWatching } from './model/watching.ts';
import { App } from './view/app.tsx';

startWatching();
startActivity();
startLookingForGraphiql();
render(<App />, document.body);
