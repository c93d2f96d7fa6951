import { render } from 'preact';
import './style.css';
import { startActivity } from './model/activity.ts';
import { startWatching } from './model/watching.ts';
import { App } from './view/app.tsx';

startWatching();
startActivity();
render(<App />, document.body);
