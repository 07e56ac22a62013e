"""Recorded runs: what the race lab shows, made by the explorer and checked in.

======================  ============================================================
``data``                a recording: forms, runs, turns, moments, spans
``watched``             an explorer that knows where each step came from
``recorder``            one run, choice by choice, with all that can be seen of it
``locks``               who holds and who waits, from one step to another
``world``               what is committed after each step
``events``              what the moments amount to: who read, who changed, when it showed
``fault``, ``past``     one sentence on what went wrong
``reason``              one sentence on what kept it right
``choose``              which schedules of a form are worth showing
``make``                a whole scenario
``library``             the files: written, read, asked for a run
``source``              the lines that a step came from, then and now
======================  ============================================================
"""
