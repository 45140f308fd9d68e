"""The desk: what is asked about policies by people and by commands, and never runs for a request.

- judging a file: `check`, what is unwise; `fix`, mending what has one safe answer; `spans`, where in the text it stands;
- asking what a policy answers: `explain`, rule by rule; `suggest`, what would grant a request; `matrix`, every cell;
- comparing and rewriting: `diff`, with the `witnesses` that stand for all other texts; `convert`, one form to another;
- a live bucket: `bucket` reads its policy, `follow` keeps a file like it, by way of `files`;
- a live server: `probe` asks it as a browser does; `suspects`, what else may be to blame.
"""
