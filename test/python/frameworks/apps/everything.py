"""The same application in five frameworks, each under CPython's own wsgiref.validate."""

from wsgiref.validate import validator

import in_bottle
import in_django
import in_falcon
import in_flask
import in_pyramid



def without_terminated(app):
    # Where it is set, Werkzeug calls read() without a size, which wsgiref.validate does not allow.
    def call(environ, start_response):
        del environ["wsgi.input_terminated"]
        return app(environ, start_response)

    return call


flask = without_terminated(validator(in_flask.app))
django = validator(in_django.application)
bottle = validator(in_bottle.app)
falcon = validator(in_falcon.app)
pyramid = validator(in_pyramid.app)
